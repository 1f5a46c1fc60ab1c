/** The files of a commit, by the endpoints that `connect` reads. */
import { GithubApi, githubHeaders } from '../connect/github/githubApi.ts'
import { RestClient, type RestOptions } from '../connect/restClient.ts'
import type { Lookup } from './lookup.ts'

export interface GithubFilesOptions extends Pick<RestOptions, 'signal' | 'now' | 'sleep' | 'random' | 'waiting'> {
  readonly token: string
  readonly apiUrl: string
}

function advice(status: number): string | null {
  if (status === 401) return 'gateway.github_token is wrong or has expired'
  return status === 403 ? 'gateway.github_token needs read access to contents' : null
}

/** Limits are waited for, what fails on the way is tried again: see RestClient. Null where there is no such commit. */
export function createFilesOf({
  token,
  apiUrl,
  ...rest
}: GithubFilesOptions): (lookup: Lookup) => Promise<readonly unknown[] | null> {
  const baseUrl = apiUrl.replace(/\/+$/, '')
  const client = new RestClient({ ...rest, baseUrl, headers: githubHeaders(token), advice })
  return async ({ repository, base, sha }) => {
    const api = new GithubApi(client, repository, () => undefined)
    const compared = base === null ? null : await api.comparedFiles(base, sha)
    // A base that was rewritten away leaves what the commit itself did.
    return compared ?? (await api.commit(sha))?.files ?? null
  }
}
