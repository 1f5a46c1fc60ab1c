import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { freePort } from './freePort.mjs'
import { javaCommand } from './java.mjs'
import { answers, startServer } from './serverProcess.mjs'

const readyLimitMs = 90_000
const stopLimitMs = 15_000
const startsMax = 3

/**
 * The schema registry on the loopback address; `url` is the base URL of its Confluent-compatible API. Subjects, versions and
 * ids live in `folder` and outlast a restart. `jar` is what fetchRegistry() gave.
 */
export async function startRegistry({ folder, port, jar, logPath, signal, onSpawn }) {
  const home = resolve(folder)
  await mkdir(home, { recursive: true })
  for (let start = 1; ; start += 1) {
    try {
      return await startOnce(
        home,
        port ?? (await freePort()),
        jar,
        logPath ?? join(home, 'registry.log'),
        signal,
        onSpawn,
      )
    } catch (error) {
      // Between choosing a free port and listening on it another program can be quicker.
      const taken = error.tail?.some((line) => /already bound|Address already in use|is already in use/.test(line))
      if (port !== undefined || !taken || start === startsMax) throw error
    }
  }
}

async function startOnce(home, port, jar, logPath, signal, onSpawn) {
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`
  const server = await startServer({
    name: 'the schema registry',
    command: javaCommand(),
    args: [
      '-Xms128m',
      '-Xmx384m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-Dquarkus.http.host=127.0.0.1',
      `-Dquarkus.http.port=${port}`,
      // The default database lives in memory and would give other ids to old records after a restart.
      '-Dapicurio.storage.sql.kind=h2',
      `-Dapicurio.datasource.url=jdbc:h2:file:${join(home, 'registry')}`,
      '-jar',
      jar,
    ],
    cwd: home,
    logPath,
    readyLimitMs,
    stopLimitMs,
    signal,
    onSpawn,
    ready: () => answers(`${url}/subjects`),
  })
  return { ...server, port, url }
}
