/** A reliability diagram as SVG: what was foretold against what came true, with 95 % intervals. Pure. */
import type { Scorecard } from './lines.ts'

const SIDE = 320
const EDGE = 48
const TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1]

const x = (share: number): string => (EDGE + share * SIDE).toFixed(1)
const y = (share: number): string => (EDGE / 2 + (1 - share) * SIDE).toFixed(1)

export function reliabilitySvg({ calibration }: Pick<Scorecard, 'calibration'>): string {
  const rowsMax = Math.max(1, ...calibration.map(({ rows }) => rows))
  const ticks = TICKS.flatMap((at) => [
    `<path class="grid" d="M${x(at)} ${y(0)}V${y(1)}M${x(0)} ${y(at)}H${x(1)}"/>`,
    `<text x="${x(at)}" y="${(EDGE / 2 + SIDE + 16).toFixed(1)}" text-anchor="middle">${at}</text>`,
    `<text x="${EDGE - 6}" y="${y(at)}" text-anchor="end" dominant-baseline="middle">${at}</text>`,
  ])
  const line = calibration.map(({ foretold, observed }) => `${x(foretold)},${y(observed)}`).join(' ')
  const points = calibration.flatMap(({ foretold, observed, low, high, rows }) => [
    `<path class="interval" d="M${x(foretold)} ${y(low)}V${y(high)}"/>`,
    `<circle cx="${x(foretold)}" cy="${y(observed)}" r="${(2 + 3 * Math.sqrt(rows / rowsMax)).toFixed(1)}"/>`,
  ])
  const [width, height] = [SIDE + 1.5 * EDGE, SIDE + 1.5 * EDGE]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Reliability diagram">`,
    '<style>text{font:11px sans-serif;fill:#555}.grid{stroke:#ddd}.ideal{stroke:#999;stroke-dasharray:4 3}.interval{stroke:#2a6fb0}polyline{fill:none;stroke:#2a6fb0;stroke-width:1.5}circle{fill:#2a6fb0}</style>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...ticks,
    `<path class="ideal" d="M${x(0)} ${y(0)}L${x(1)} ${y(1)}"/>`,
    `<polyline points="${line}"/>`,
    ...points,
    `<text x="${x(0.5)}" y="${height - 6}" text-anchor="middle">foretold probability of success</text>`,
    `<text transform="translate(12 ${y(0.5)}) rotate(-90)" text-anchor="middle">share that succeeded</text>`,
    '</svg>',
    '',
  ].join('\n')
}
