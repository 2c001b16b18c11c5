import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'

const root = protobuf.loadSync(fileURLToPath(import.meta.resolve('#proto/envelope.proto')))

/** A message of envelope.proto. */
export function messageType(name: string): protobuf.Type {
  return root.lookupType(`sealgate.envelope.v1.${name}`)
}
