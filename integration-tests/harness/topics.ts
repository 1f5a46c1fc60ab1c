/** Topics and schemas made by the command that `npm start` uses. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../', import.meta.url))

export async function makeTopics(brokers: string, registryUrl: string, stateFolder: string): Promise<void> {
  await promisify(execFile)(process.execPath, ['--disable-warning=TimeoutNegativeWarning', 'infra/kafka/main.ts'], {
    cwd: root,
    env: {
      PATH: process.env['PATH'] ?? '',
      KAFKA_BROKERS: brokers,
      SCHEMA_REGISTRY_URL: registryUrl,
      DEVOPS_STATE_FOLDER: stateFolder,
    },
  })
}
