/** A source's test server, the reader, a real gateway on a port: everything of `connect` but Kafka. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { DeploymentEvent } from '../../schemas/generated/events.ts'
import { gatewayUnderTest, type MemoryLog } from '../gatewayUnderTest.ts'
import { NOW } from '../sources/mappingUnderTest.ts'
import type { Source } from './delivery.ts'
import { Follower } from './follow.ts'
import { GatewayDoor } from './gatewayDoor.ts'
import { ResumeFile } from './resumeFile.ts'

export interface ConnectUnderTest {
  readonly log: MemoryLog
  readonly said: string[]
  /** Of the reader; it stands still unless the test moves it. */
  readonly clock: { now: number }
  readonly follower: (source: Source, since: number, sleep?: (ms: number) => Promise<void>) => Follower
  readonly events: () => readonly DeploymentEvent[]
}

export async function connectUnderTest(t: TestContext, provider: string): Promise<ConnectUnderTest> {
  const { server, log } = await gatewayUnderTest()
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  const folder = mkdtempSync(join(tmpdir(), 'connect-'))
  t.after(async () => {
    await server.close()
    rmSync(folder, { recursive: true })
  })
  const said: string[] = []
  const say = (line: string): void => {
    said.push(line)
  }
  const clock = { now: NOW }
  const now = (): number => clock.now
  const common = { signal: new AbortController().signal, now, waiting: () => undefined }
  return {
    log,
    said,
    clock,
    follower: (source, since, sleep = () => Promise.resolve()) =>
      new Follower({
        provider,
        sources: [source],
        since,
        door: new GatewayDoor({ ...common, sleep, url, token: null }),
        resumeOf: ({ name }) => new ResumeFile(join(folder, `${encodeURIComponent(name)}.json`), name),
        deliveriesPerRequest: 50,
        now,
        sleep,
        say,
      }),
    events: () => log.read('devops.deployments') as DeploymentEvent[],
  }
}
