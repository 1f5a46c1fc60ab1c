export declare class CommandFailed extends Error {
  reason: string
  tail: string[]
}

/** The last lines that it printed; throws CommandFailed unless it ends with 0. */
export declare function runCommand(
  title: string,
  command: string,
  args: readonly string[],
  options?: {
    cwd?: string
    env?: NodeJS.ProcessEnv
    limitMs?: number
    onLine?: (line: string) => void
    stdio?: 'pipe' | 'inherit'
    signal?: AbortSignal
  },
): Promise<string[]>
