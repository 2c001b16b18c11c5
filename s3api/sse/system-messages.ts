import type { EpochRecord } from '../../proto/gen/sealgate/envelope/v1/EpochRecord.ts'
import type { FingerprintRecord } from '../../proto/gen/sealgate/envelope/v1/FingerprintRecord.ts'
import { messageType } from './envelope-proto.ts'

/** Records of the store's system area: protobuf messages of envelope.proto (FORMAT.md §8). */

const formatVersion = 1

export const epochRecord = messageOf<EpochRecord>('EpochRecord')
export const fingerprintRecord = messageOf<FingerprintRecord>('FingerprintRecord')

function messageOf<Message extends { readonly format: number }>(name: string) {
  const type = messageType(name)
  return {
    encode(message: Omit<Message, 'format'>): Uint8Array {
      return type.encode(type.fromObject({ ...message, format: formatVersion })).finish()
    },
    /** Errors: what is no such message, or one of a later format. */
    decode(bytes: Uint8Array): Message {
      // The options are those that the generated types were made for.
      const message = type.toObject(type.decode(bytes), {
        longs: Number,
        defaults: true,
        objects: true,
      }) as Message
      if (message.format !== formatVersion)
        throw new Error(`${name} of format ${message.format} is not known`)
      return message
    },
  }
}
