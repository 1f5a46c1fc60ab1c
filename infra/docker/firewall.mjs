/**
 * The tables of `iptables-save`: for each its chains with their policies ('-' = a chain that somebody made) and its rules, as
 * they are written there.
 */
export function readFirewall(text) {
  const tables = new Map()
  let table = null
  for (const line of text.split('\n')) {
    const named = /^\*(\S+)/.exec(line)
    if (named) tables.set(named[1], (table = { chains: new Map(), rules: [] }))
    const chain = /^:(\S+) (\S+)/.exec(line)
    if (chain) table.chains.set(chain[1], chain[2])
    if (line.startsWith('-A ')) table.rules.push(line)
  }
  return tables
}

/**
 * What takes the tables from `after` back to `before` and leaves alone what was there all the time: input for
 * `iptables-restore --noflush`, and policies to set.
 */
export function whatToUndo(before, after) {
  const parts = []
  const policies = []
  for (const [table, { chains, rules }] of after) {
    const old = before.get(table) ?? { chains: new Map(), rules: [] }
    const known = [...old.rules]
    const lines = []
    for (const rule of rules) {
      const at = known.indexOf(rule)
      if (at >= 0) known.splice(at, 1)
      else lines.push(rule.replace(/^-A /, '-D '))
    }
    for (const [chain, policy] of chains) {
      if (policy === '-' && !old.chains.has(chain)) lines.push(`-X ${chain}`)
      else if (policy !== '-' && policy !== (old.chains.get(chain) ?? 'ACCEPT'))
        policies.push({ table, chain, policy: old.chains.get(chain) ?? 'ACCEPT' })
    }
    if (lines.length > 0) parts.push(`*${table}`, ...lines, 'COMMIT')
  }
  return { restoreInput: parts.length === 0 ? '' : `${parts.join('\n')}\n`, policies }
}
