import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { S3Error } from '../../../s3api/errors.ts'
import { readXml } from '../../../s3api/http/xml-reader.ts'
import { document, element } from '../../../s3api/http/xml-writer.ts'
import { propertyRuns } from '../../support/property.ts'

const test = suite('s3api/http/xml')

const read = (text: string | Uint8Array) => readXml(Buffer.from(text), 'Root')
const refused = (text: string | Uint8Array) => {
  try {
    read(text)
  } catch (error) {
    return error instanceof S3Error && error.code === 'MalformedXML'
  }
  return false
}
const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'

test('text, CDATA and references come back as they are meant', () => {
  const root = read(
    '<?xml version="1.0" encoding="UTF-8"?>\n<Root><A> a&amp;b </A><B><![CDATA[<x>]]></B><C>&#252;&#x1F600;</C><D/></Root>',
  )
  assert.is(root.child('A')?.text(), ' a&b ')
  assert.is(root.child('B')?.text(), '<x>')
  assert.is(root.child('C')?.text(), 'ü😀')
  assert.is(root.child('D')?.text(), '')
  assert.is(root.child('E'), undefined)
})

test('S3’s namespace and none are the same, with a prefix or without', () => {
  for (const text of [
    `<Root xmlns="${namespace}"><A>1</A></Root>`,
    `<s:Root xmlns:s="${namespace}"><s:A>1</s:A></s:Root>`,
    '<Root><A>1</A></Root>',
  ]) {
    assert.is(read(text).child('A')?.text(), '1')
  }
  assert.ok(refused('<Root xmlns="urn:other"><A>1</A></Root>'))
})

for (const [title, text] of [
  ['nothing', ''],
  ['no XML', 'hello'],
  ['another root', '<Other/>'],
  ['an end that is missing', '<Root><A></Root>'],
  ['two roots', '<Root/><Root/>'],
  ['an entity that nobody declared', '<Root>&secret;</Root>'],
  ['a document type', '<!DOCTYPE Root><Root/>'],
  ['an entity of its own', '<!DOCTYPE Root [<!ENTITY a "b">]><Root>&a;</Root>'],
  ['a file as an entity', '<!DOCTYPE Root [<!ENTITY a SYSTEM "file:///etc/passwd">]><Root>&a;</Root>'],
  ['a processing instruction', '<Root><?php echo ?></Root>'],
  ['U+0000', '<Root>&#0;</Root>'],
  ['more levels than there are', '<Root>'.repeat(20) + '</Root>'.repeat(20)],
  ['more elements than anybody sends', `<Root>${'<A/>'.repeat(100_001)}</Root>`],
] as const) {
  test(`a document with ${title} is malformed`, () => {
    assert.ok(refused(text))
  })
}

test('bytes that are no UTF-8 are malformed', () => {
  assert.ok(refused(Buffer.from('<Root>\xff</Root>', 'latin1')))
})

test('a child that is there twice is malformed where one is expected', () => {
  const root = read('<Root><A>1</A><A>2</A></Root>')
  assert.is(root.children('A').length, 2)
  assert.throws(
    () => root.child('A'),
    (error: unknown) => error instanceof S3Error,
  )
})

test('whatever text is written is read again, but for what XML cannot carry', () => {
  const text = fc.string({ unit: 'binary', maxLength: 50 })
  fc.assert(
    fc.property(text, text, (one, two) => {
      const written = document(element('Root', [element('A', one), element('B', two, { name: one })]))
      const root = read(written)
      assert.is(root.child('A')?.text(), carried(one))
      assert.is(root.child('B')?.text(), carried(two))
    }),
    propertyRuns,
  )
})

/** Control characters and the like have no form in XML 1.0. */
function carried(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is left out
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
}

test.run()
