import type { ServiceDefinition } from '@grpc/grpc-js'
import protobuf from 'protobufjs'
import { protoFile } from '../proto.ts'

/** What one message may be made of: the items of a batch, each with a full context (65 each), and some more. */
export const messagePartsMax = 65_536

/**
 * The service, with messages of more parts refused before anything is made of them (INTERNAL, as what cannot be decoded): batches
 * and contexts are held to their limits only once they are decoded, and half a million empty items take seconds to decode.
 */
export function boundParts(definition: ServiceDefinition): ServiceDefinition {
  const root = protobuf.loadSync(protoFile).resolveAll()
  return Object.fromEntries(
    Object.entries(definition).map(([name, method]) => {
      const [, serviceName = '', methodName = ''] = method.path.split('/')
      const type = root.lookupService(serviceName).methods[methodName]?.resolvedRequestType
      if (!(type instanceof protobuf.Type)) throw new TypeError(`${method.path} is not in kms.proto`)
      const requestDeserialize = (bytes: Buffer) => {
        requireFewParts(type, protobuf.Reader.create(bytes), bytes.length, messagePartsMax)
        return method.requestDeserialize(bytes)
      }
      return [name, { ...method, requestDeserialize }]
    }),
  )
}

/** How many parts of `left` remain behind those before `end`. https://protobuf.dev/programming-guides/encoding/ */
function requireFewParts(type: protobuf.Type, reader: protobuf.Reader, end: number, left: number): number {
  let remaining = left
  while (reader.pos < end) {
    const tag = reader.uint32()
    const field = type.fieldsById[tag >>> 3]
    const inner = field?.resolvedType instanceof protobuf.Type ? field.resolvedType : undefined
    const counts = field !== undefined && (field.repeated || field.map || inner !== undefined)
    if (counts && remaining-- === 0) throw new RangeError(`a message of more than ${left} parts`)
    if (inner === undefined || (tag & 7) !== lengthDelimited) reader.skipType(tag & 7)
    else remaining = requireFewParts(inner, reader, reader.uint32() + reader.pos, remaining)
  }
  return remaining
}

const lengthDelimited = 2
