/** The rows as a table for people and as one object for programs. */
export interface Row {
  readonly key: string
  readonly unit: string
  readonly better: 'lower' | 'higher'
  readonly goal: number | null
  /** The goal is to be better than each peer, too. */
  readonly beatsPeers: boolean
  readonly ours: number
  /** In the same run, over the same samples. */
  readonly peers: Readonly<Record<string, number>>
  /** Peers that did not take part, and why. */
  readonly lacking: Readonly<Record<string, string>>
}

export interface Told {
  readonly unit: string
  readonly goal: number | null
  readonly ours: number
  readonly peers: Readonly<Record<string, number | null>>
  /** Ours by the best peer's. */
  readonly ratio: number | null
  /** Null where nothing is asked for, and where a peer that it depends on is lacking. */
  readonly met: boolean | null
  readonly lacking: Readonly<Record<string, string>>
}

export function told(row: Row): Told {
  const { unit, goal, ours, lacking } = row
  const absent = Object.fromEntries(Object.keys(lacking).map((name) => [name, null]))
  return { unit, goal, ours, peers: { ...row.peers, ...absent }, ratio: ratio(row), met: met(row), lacking }
}

export const asObject = (rows: readonly Row[]): Readonly<Record<string, Told>> =>
  Object.fromEntries(rows.map((row) => [row.key, told(row)]))

export function asTable(rows: readonly Row[]): string {
  const head = ['what', 'unit', 'goal', 'ours', 'peers', 'ours / best peer', 'met']
  const cells = rows.map((row) => [
    row.key,
    row.unit,
    goalText(row),
    shown(row.ours),
    peersText(row),
    shown(ratio(row)),
    { true: 'yes', false: 'no', null: '–' }[String(met(row)) as 'true' | 'false' | 'null'],
  ])
  const lines = [head, head.map(() => '---'), ...cells].map((line) => `| ${line.join(' | ')} |`)
  const reasons = new Set(rows.flatMap(({ lacking }) => Object.entries(lacking).map(([who, why]) => `${who}: ${why}`)))
  return [...lines, ...(reasons.size > 0 ? ['', ...reasons] : [])].join('\n')
}

function ratio({ ours, peers, better }: Row): number | null {
  const figures = Object.values(peers)
  if (figures.length === 0) return null
  return ours / (better === 'lower' ? Math.min(...figures) : Math.max(...figures))
}

function met(row: Row): boolean | null {
  const { goal, ours, better, beatsPeers, peers, lacking } = row
  if (goal === null && !beatsPeers) return null
  const sign = better === 'lower' ? 1 : -1
  const ahead = !beatsPeers || Object.values(peers).every((peer) => sign * ours < sign * peer)
  const reached = (goal === null || sign * ours <= sign * goal) && ahead
  return reached && beatsPeers && Object.keys(lacking).length > 0 ? null : reached
}

function goalText({ goal, beatsPeers, better }: Row): string {
  const bound = goal === null ? [] : [`${better === 'lower' ? '≤' : '≥'} ${shown(goal)}`]
  return [...bound, ...(beatsPeers ? ['under each peer'] : [])].join(', ') || '–'
}

function peersText({ peers, lacking }: Row): string {
  const figures = Object.entries(peers).map(([name, figure]) => `${name} ${shown(figure)}`)
  return [...figures, ...Object.keys(lacking).map((name) => `${name} lacking`)].join(', ') || '–'
}

const shown = (figure: number | null): string => (figure === null ? '–' : figure.toFixed(figure < 10 ? 3 : 1))
