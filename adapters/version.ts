/** Version of the package this file belongs to, in a checkout as in a published package. */
import { findPackageJSON } from 'node:module'
import { readFileSync } from 'node:fs'
import * as z from 'zod'

const manifest = z.object({ version: z.string() })

export function packageVersion(): string {
  const file = findPackageJSON(import.meta.url)
  if (file === undefined) throw new Error('no package.json above adapters/version.ts')
  return manifest.parse(JSON.parse(readFileSync(file, 'utf8'))).version
}
