import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { EnvelopeInput as _sealgate_envelope_v1_EnvelopeInput, Envelope as _sealgate_envelope_v1_Envelope } from './sealgate/envelope/v1/Envelope.ts';
import type { PartInput as _sealgate_envelope_v1_PartInput, Part as _sealgate_envelope_v1_Part } from './sealgate/envelope/v1/Part.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  sealgate: {
    envelope: {
      v1: {
        ContextForm: EnumTypeDefinition
        Envelope: MessageTypeDefinition<_sealgate_envelope_v1_EnvelopeInput, _sealgate_envelope_v1_Envelope>
        Layout: EnumTypeDefinition
        Mode: EnumTypeDefinition
        Part: MessageTypeDefinition<_sealgate_envelope_v1_PartInput, _sealgate_envelope_v1_Part>
      }
    }
  }
}

