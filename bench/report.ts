import { type Figure, meets, scoreOf } from './figure.ts'

/** Figures as a Markdown table and as a picture. */

export function toTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.what,
    figure.note ?? `${round(figure.value)} ${figure.unit}`,
    figure.baseline === undefined
      ? ''
      : `${round(figure.baseline.value)} ${figure.unit} (${figure.baseline.what})`,
    figure.ratio === undefined ? '' : figure.ratio.toFixed(2),
    target(figure, figure.must),
    target(figure, figure.moonshot),
    cpu(figure),
  ])
  const header = ['figure', 'measured', 'beside', 'ratio', 'must', 'moonshot', 'server CPU (beside)']
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function target(figure: Figure, value: number | undefined): string {
  if (value === undefined) return ''
  return `${figure.kind === 'rate' ? '≥' : '≤'} ${value} ${meets(figure, value) ? '✓' : '✗'}`
}

function cpu({ cpu: measured }: Figure): string {
  if (measured === undefined) return ''
  const beside = measured.baseline === undefined ? '' : ` (${round(measured.baseline)})`
  return `${round(measured.own)} ${measured.unit}${beside}`
}

/** Three significant digits, as a person would write them. */
export function round(value: number): string {
  if (!Number.isFinite(value)) return '?'
  if (value >= 1000) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}

const rowHeight = 34
const labelWidth = 400
const barWidth = 380
const scale = 1.6

/** Bars of the ratios that have a target, with the targets as marks. */
export function toPicture(figures: readonly Figure[]): string {
  const shown = figures.filter(({ ratio, must }) => ratio !== undefined && must !== undefined)
  const height = shown.length * rowHeight + 50
  const width = labelWidth + barWidth + 80
  const x = (ratio: number) => labelWidth + (Math.min(ratio, scale) / scale) * barWidth
  const rows = shown.map((figure, index) => {
    const y = 36 + index * rowHeight
    const score = scoreOf(figure)
    const colour = figure.must !== undefined && meets(figure, figure.must) ? '#2f7d4f' : '#b3541e'
    const mark = (value: number | undefined, dash: string) =>
      value === undefined
        ? ''
        : `<line x1="${x(value)}" x2="${x(value)}" y1="${y - 4}" y2="${y + 20}" stroke="#333" stroke-width="2"${dash}/>`
    return [
      `<text x="${labelWidth - 10}" y="${y + 13}" text-anchor="end">${toXmlText(figure.what)}</text>`,
      `<rect x="${labelWidth}" y="${y}" width="${x(score) - labelWidth}" height="16" fill="${colour}"/>`,
      mark(figure.must, ''),
      mark(figure.moonshot, ' stroke-dasharray="3 3"'),
      `<text x="${x(score) + 6}" y="${y + 13}">${score.toFixed(2)}</text>`,
    ].join('\n  ')
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">
  <title>Measured ratios beside their targets</title>
  <rect width="100%" height="100%" fill="#fff"/>
  <text x="${labelWidth}" y="20" fill="#555">measured ÷ beside; | must, ┊ moonshot</text>
  ${rows.join('\n  ')}
</svg>
`
}

function toXmlText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
