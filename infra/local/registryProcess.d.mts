import type { ServerProcess } from './serverProcess.mjs'

export interface Registry extends ServerProcess {
  port: number
  url: string
}

export declare function startRegistry(options: {
  folder: string
  jar: string
  port?: number
  logPath?: string
  signal?: AbortSignal
  onSpawn?: (pid: number) => void
}): Promise<Registry>
