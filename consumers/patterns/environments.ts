/**
 * Environments beside each other. A service lives in one, so that its own runs can't tell: the runs of all that have a name are one group
 * here, and what is compared is where they ran.
 */
import type { Pattern } from './lifecycle.ts'
import { factorOf } from './condition.ts'
import type { Field, PatternRow } from './row.ts'

const FIELD = 'environment'
export const ENVIRONMENT_FIELDS: readonly Field[] = [{ name: FIELD, kind: 'text' }]

export const isOfEnvironments = ({ predicate }: Pattern): boolean => factorOf(predicate).field === FIELD

/** The scope of all services with the name of this one. */
export const scopeOfName = (service: string): string => `*/${partsOf(service).name}`

/** The runs of names that two environments have, in the order they came. */
export function byName(rows: readonly PatternRow[]): readonly PatternRow[] {
  const environments = new Map<string, Set<string>>()
  for (const { service } of rows) {
    const { environment, name } = partsOf(service)
    environments.set(name, (environments.get(name) ?? new Set()).add(environment))
  }
  return rows.flatMap((row) => {
    const { environment, name } = partsOf(row.service)
    if ((environments.get(name)?.size ?? 0) < 2) return []
    return [{ ...row, service: scopeOfName(row.service), attributes: { [FIELD]: environment } }]
  })
}

function partsOf(service: string): { readonly environment: string; readonly name: string } {
  const end = service.indexOf('/')
  return { environment: service.slice(0, end), name: service.slice(end + 1) }
}
