import { basename, extname } from 'node:path/posix'
import type { ChangeSize } from '../generated/events.ts'

export type FileChange = 'added' | 'deleted' | 'modified'

const FILE_TYPES_MAX = 40
const ENDING_LENGTH_MAX = 16
const DOC_ENDINGS = new Set(['md', 'mdx', 'rst', 'adoc', 'asciidoc', 'txt', 'tex', 'pdf', 'org'])
const DOC_NAMES = new Set(['readme', 'changelog', 'license', 'licence', 'contributing', 'authors', 'notice'])
const SOURCE_ENDINGS = new Set(
  (
    'c cc cpp cxx h hh hpp hxx m mm cs fs vb java kt kts scala groovy clj go rs zig swift dart js jsx mjs cjs ts tsx mts ' +
    'cts vue svelte py pyx rb php pl pm lua r jl ex exs erl hrl hs ml mli sql sh bash zsh ps1 html css scss sass less proto'
  ).split(' '),
)

/** Counts for the files of a push, each path once with what became of it. */
export function sizeOfFiles(files: ReadonlyMap<string, FileChange>): ChangeSize {
  const paths = [...files.keys()]
  const count = (change: FileChange): number => paths.filter((path) => files.get(path) === change).length
  const kinds = paths.map(kindOf)
  const endings = [...new Set(paths.map(endingOf).filter((ending) => ending !== ''))].sort()
  return {
    filesAdded: count('added'),
    filesDeleted: count('deleted'),
    filesModified: count('modified'),
    linesAdded: null,
    linesDeleted: null,
    srcFiles: kinds.filter((kind) => kind === 'src').length,
    docFiles: kinds.filter((kind) => kind === 'doc').length,
    otherFiles: kinds.filter((kind) => kind === 'other').length,
    dockerfileChanged: paths.some(isDockerfile),
    composeChanged: paths.some(isComposeFile),
    fileTypes: endings.slice(0, FILE_TYPES_MAX).join(' '),
  }
}

/** Folds what several commits in order did to a path: added then deleted leaves no trace. */
export function foldChange(before: FileChange | undefined, now: FileChange): FileChange | undefined {
  if (before === 'added') return now === 'deleted' ? undefined : 'added'
  if (before === 'deleted' && now === 'added') return 'modified'
  return now
}

function endingOf(path: string): string {
  const ending = extname(path).slice(1).toLowerCase()
  return ending.length <= ENDING_LENGTH_MAX && /^[a-z0-9_+-]*$/.test(ending) ? ending : ''
}

function kindOf(path: string): 'src' | 'doc' | 'other' {
  const ending = endingOf(path)
  if (SOURCE_ENDINGS.has(ending)) return 'src'
  const stem = basename(path).split('.')[0]?.toLowerCase() ?? ''
  return DOC_ENDINGS.has(ending) || DOC_NAMES.has(stem) ? 'doc' : 'other'
}

function isDockerfile(path: string): boolean {
  return /^(dockerfile|containerfile)(\..+)?$|\.dockerfile$/i.test(basename(path))
}

function isComposeFile(path: string): boolean {
  return /^(docker-)?compose(\.[\w-]+)*\.ya?ml$/i.test(basename(path))
}
