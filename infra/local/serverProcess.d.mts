export interface Ended {
  code: number | null
  by: NodeJS.Signals | null
  text: string
}

export interface ServerProcess {
  name: string
  pid: number
  logPath: string
  exited: Promise<Ended>
  /** SIGTERM, then SIGKILL after a limit. */
  stop(): Promise<Ended>
  /** SIGKILL. */
  kill(): Promise<Ended>
}

export declare class ServerNotReady extends Error {
  tail: string[]
  crashed: boolean
}

export declare function startServer(options: {
  name: string
  command: string
  args: readonly string[]
  cwd?: string
  env?: NodeJS.ProcessEnv
  logPath: string
  ready: () => boolean | Promise<boolean>
  readyLimitMs: number
  stopLimitMs?: number
  onLine?: (line: string) => void
  onSpawn?: (pid: number) => void
  waitingFor?: () => Promise<string | null>
  onWaiting?: (text: string) => void
  waitingEveryMs?: number
  signal?: AbortSignal
}): Promise<ServerProcess>

export declare function readinessOf(url: string): Promise<string | null>
export declare function answers(url: string): Promise<boolean>
