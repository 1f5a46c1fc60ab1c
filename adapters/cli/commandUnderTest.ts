/** For tests: the command as a pipeline starts it, and servers that are closed after each test. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { after, afterEach } from 'node:test'
import { fileURLToPath } from 'node:url'
import { adapterWith, PREDICTION, startHttpPeer, type Answer, type HttpPeer } from '../check/adapterPeer.ts'
import type { Prediction } from '../check/verdict.ts'

const COMMAND = fileURLToPath(new URL('devops-mcp-server.mjs', import.meta.url))
const SERVICE = ['--service', 'checkout', '--environment', 'production']

export interface Finished {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Start {
  readonly env?: Record<string, string>
  readonly cwd?: string
  readonly input?: string
  /** Comes before `check`. */
  readonly before?: readonly string[]
  /** Nobody reads what it prints. */
  readonly unread?: boolean
  /** Ends it, as a cancelled job does. */
  readonly signal?: AbortSignal
}

/** For one test file. */
export function useCommand() {
  const folder = mkdtempSync(join(tmpdir(), 'devops-check-'))
  after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const peers: HttpPeer[] = []
  afterEach(async () => {
    await Promise.all(peers.splice(0).map((peer) => peer.close()))
  })
  const kept = (peer: HttpPeer): HttpPeer => {
    peers.push(peer)
    return peer
  }
  return {
    folder,
    /** `check` with these arguments. */
    command: async (
      args: readonly string[],
      { env = {}, cwd = folder, input = '', before = [], unread = false, signal }: Start = {},
    ): Promise<Finished> => {
      const child = spawn(process.execPath, [COMMAND, ...before, 'check', ...args], {
        env: { PATH: process.env['PATH'] ?? '', GIT_CONFIG_GLOBAL: '/dev/null', ...env },
        cwd,
      })
      const text = { out: '', err: '' }
      child.stdout.on('data', (chunk: Buffer) => (text.out += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (text.err += chunk.toString()))
      if (unread) child.stdout.destroy()
      child.stdin.end(input)
      signal?.addEventListener('abort', () => child.kill('SIGTERM'))
      const [code] = (await once(child, 'close')) as [number | null]
      return { code, ...text }
    },
    /** An adapter that answers like PREDICTION, but for this. */
    adapter: async (over: Partial<Prediction> = {}): Promise<HttpPeer> =>
      kept(await adapterWith({ ...PREDICTION, ...over })),
    answering: async (answer: () => Answer): Promise<HttpPeer> => kept(await startHttpPeer(answer)),
  }
}

/** A question with a limit of 0.3. */
export const limited = (url: string, ...more: string[]): string[] => [
  ...SERVICE,
  '--url',
  url,
  '--fail-above',
  '0.3',
  ...more,
]
