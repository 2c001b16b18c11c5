import type { WriteCondition, WrittenVersion } from '../backend.ts'
import type { AttributeChanges, Deletion, ObjectAttributes, VersioningState } from '../versions.ts'
import type { ObjectColumns } from './rows.ts'

/** Where a stream's bytes are: in a file of that id, or here. */
export type StreamPlace = { readonly file: string } | { readonly body: Uint8Array }

/** Everything that changes the store, one command a change. */
export type Command =
  | {
      readonly type: 'create-bucket'
      readonly bucket: string
      readonly owner: string | null
      readonly versioning: VersioningState
      readonly settings: Readonly<Record<string, string>>
      readonly atMs: number
    }
  | { readonly type: 'delete-bucket'; readonly bucket: string; readonly atMs: number }
  | {
      readonly type: 'set-setting'
      readonly bucket: string
      readonly name: string
      readonly value: string | null
    }
  | {
      readonly type: 'set-versioning'
      readonly bucket: string
      readonly state: Exclude<VersioningState, 'unversioned'>
    }
  | {
      readonly type: 'put-object'
      readonly bucket: string
      readonly key: string
      readonly columns: ObjectColumns
      readonly streams: readonly StreamPlace[]
      readonly attributes: ObjectAttributes
      readonly versionId: string
      readonly condition: WriteCondition | undefined
      readonly atMs: number
    }
  | {
      readonly type: 'delete-object'
      readonly bucket: string
      readonly key: string
      readonly versionId: string | undefined
      readonly owner: string | null
      readonly condition: WriteCondition | undefined
      readonly bypassGovernance: boolean
      readonly atMs: number
    }
  | {
      readonly type: 'change-attributes'
      readonly bucket: string
      readonly key: string
      readonly versionId: string | undefined
      readonly changes: AttributeChanges
      readonly bypassGovernance: boolean
      readonly atMs: number
    }
  | {
      readonly type: 'create-upload'
      readonly uploadId: string
      readonly bucket: string
      readonly key: string
      readonly details: string
      readonly envelope: Uint8Array | null
    }
  | {
      readonly type: 'put-part'
      readonly uploadId: string
      readonly number: number
      readonly generation: string
      readonly details: string
      readonly mac: Uint8Array | null
      readonly place: StreamPlace
      readonly atMs: number
    }
  | {
      readonly type: 'complete-upload'
      readonly uploadId: string
      readonly bucket: string
      readonly key: string
      readonly columns: ObjectColumns
      readonly parts: readonly { readonly number: number; readonly generation: string }[]
      readonly attributes: ObjectAttributes
      readonly versionId: string
      readonly condition: WriteCondition | undefined
      readonly atMs: number
    }
  | {
      readonly type: 'abort-upload'
      readonly uploadId: string
      readonly bucket: string
      readonly key: string
      readonly atMs: number
    }
  | {
      readonly type: 'put-system-record'
      readonly name: string
      readonly value: Uint8Array
      readonly onlyIfAbsent: boolean
    }
  | { readonly type: 'delete-system-record'; readonly name: string }
  | { readonly type: 'forget-trash'; readonly files: readonly string[] }
  | { readonly type: 'check' }

/** What a command resolves to. */
export type CommandResult = WrittenVersion | Deletion | undefined
