import { fileURLToPath } from 'node:url'
import { loadPackageDefinition } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import type { ProtoGrpcType } from '../proto/gen/kms.ts'

export const protoFile = fileURLToPath(import.meta.resolve('#proto/kms.proto'))

/** The key service's definition, loaded with the options that the generated types were made for (proto/generate.mjs). */
export const packageDefinition = loadSync(protoFile, {
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
})

// The generated type describes exactly this file.
export const proto = loadPackageDefinition(packageDefinition) as unknown as ProtoGrpcType

/** Larger messages are refused on both sides, bytes. */
export const messageSizeMax = 1024 * 1024

/** Items of one batch, and of one report; more are refused. */
export const batchItemsMax = 1_000

/** What the health service calls the key service. */
export const keysServiceName = 'sealgate.kms.v1.Keys'
