import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The first of these commands on the PATH (and where Debian puts daemons), or null. */
export function findTool(...names: readonly string[]): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/sbin', '/usr/local/bin']
  for (const folder of folders) {
    for (const name of names) {
      try {
        accessSync(join(folder, name), constants.X_OK)
        return join(folder, name)
      } catch {
        continue
      }
    }
  }
  return null
}
