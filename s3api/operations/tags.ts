import type { Tag } from '../backends/versions.ts'
import { S3Error } from '../errors.ts'
import { readXml } from '../http/xml-reader.ts'
import { element, type XmlNode } from '../http/xml-writer.ts'

/** Tags as headers and documents have them. Limits: S3 user guide, "Categorizing your objects using tags". */

export const objectTagsMax = 10
export const bucketTagsMax = 50
const keySizeMax = 128
const valueSizeMax = 256
const allowed = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

/** `x-amz-tagging`: URL-encoded pairs. Errors: InvalidTag, InvalidArgument. */
export function parseTagHeader(text: string): Tag[] {
  const tags = text
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=')
      const [key, value] = equals === -1 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)]
      return { key: decode(key), value: decode(value) }
    })
  requireTags(tags, objectTagsMax)
  return inOrder(tags)
}

/** A `Tagging` document. Errors: MalformedXML, InvalidTag. */
export function readTagging(bytes: Uint8Array, countMax: number): Tag[] {
  const set = readXml(bytes, 'Tagging').child('TagSet')
  if (set === undefined) throw new S3Error('MalformedXML')
  const tags = set.children('Tag').map((tag) => {
    const [key, value] = [tag.child('Key')?.text(), tag.child('Value')?.text()]
    if (key === undefined || value === undefined) throw new S3Error('MalformedXML')
    return { key, value }
  })
  requireTags(tags, countMax)
  return inOrder(tags)
}

/** Tags are a set: shown by key, however they were given. */
function inOrder(tags: readonly Tag[]): Tag[] {
  return tags.toSorted((one, other) => (one.key < other.key ? -1 : 1))
}

export function taggingElement(tags: readonly Tag[]): XmlNode {
  const entries = tags.map(({ key, value }) => element('Tag', [element('Key', key), element('Value', value)]))
  return element('Tagging', [element('TagSet', entries)])
}

function requireTags(tags: readonly Tag[], countMax: number): void {
  if (tags.length > countMax) throw new S3Error('InvalidTag', `At most ${countMax} tags are allowed.`)
  const keys = new Set<string>()
  for (const { key, value } of tags) {
    if (keys.has(key)) {
      throw new S3Error('InvalidTag', 'Cannot provide multiple Tags with the same key', {
        elements: { TagKey: key },
      })
    }
    keys.add(key)
    if (key === '' || [...key].length > keySizeMax || !allowed.test(key)) {
      throw new S3Error('InvalidTag', 'The TagKey you have provided is invalid', {
        elements: { TagKey: key },
      })
    }
    if ([...value].length > valueSizeMax || !allowed.test(value)) {
      throw new S3Error('InvalidTag', 'The TagValue you have provided is invalid', {
        elements: { TagValue: value },
      })
    }
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (error) {
    const message =
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters."
    throw new S3Error('InvalidArgument', message, { cause: error })
  }
}
