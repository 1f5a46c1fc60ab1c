const NO_HOST: ReadonlySet<string> = new Set(['0.0.0.0', '::', '*'])

/** Where this machine reaches what listens there. */
export const urlOf = ({ host, port }: { readonly host: string; readonly port: number }): string => {
  const reachable = NO_HOST.has(host) ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  return `http://${reachable}:${port}`
}
