#!/usr/bin/env node
// Finds the Node that belongs to the package and runs the command with it. Plain JavaScript: it must start on any Node.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const WANTED_MAJOR = 24
// Of `check` 1 is a verdict; 3 says that there is none.
const FAILED = process.argv.includes('check') ? 3 : 1

const here = dirname(fileURLToPath(import.meta.url))
// Node does not strip types below node_modules; a published package has them stripped.
const published = here.split(sep).includes('node_modules') || !existsSync(join(here, 'main.ts'))
const main = published ? join(here, '../../dist/adapters/cli/main.js') : join(here, 'main.ts')

function packagedNode() {
  const require = createRequire(import.meta.url)
  const manifestFile = require.resolve('node/package.json')
  const { bin } = JSON.parse(readFileSync(manifestFile, 'utf8'))
  const file = join(dirname(manifestFile), typeof bin === 'string' ? bin : bin.node)
  if (!existsSync(file)) throw new Error(`${file} is missing`)
  return file
}

function nodeToUse() {
  if (Number(process.versions.node.split('.')[0]) === WANTED_MAJOR) return process.execPath
  try {
    return packagedNode()
  } catch (error) {
    process.stderr.write(
      `devops-mcp-server: needs Node ${WANTED_MAJOR}; this is ${process.version}, and the one of its npm package "node" ` +
        `cannot be used (${error.message}). Run npm install again, with install scripts allowed.\n`,
    )
    process.exit(FAILED)
  }
}

// The child has the very streams of this process: MCP over stdio passes untouched.
const child = spawn(nodeToUse(), [main, ...process.argv.slice(2)], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('error', (error) => {
  process.stderr.write(`devops-mcp-server: cannot start ${error.path ?? 'node'}: ${error.message}\n`)
  process.exit(FAILED)
})
child.on('exit', (code, signal) => {
  process.exit(signal === null ? (code ?? FAILED) : FAILED)
})
