/**
 * `prepack`: writes dist/, the tree of the published package. Node refuses to strip types below node_modules, so it is
 * done here: types become blanks (line numbers stay), and relative imports that end in .ts end in .js.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const FOLDERS = ['schemas', 'runtime', 'producers', 'consumers', 'rust-engine/ts', 'adapters', 'infra/kafka']
const ADDON = 'rust-engine/index.node'
const COPIED = /\.(avsc|mjs)$/
const LEFT_OUT = /(\.test|UnderTest|Peer)\.(ts|mjs)$|\.d\.m?ts$|\/fixtures\//

if (!existsSync(join(root, ADDON))) {
  console.error(`${ADDON} is missing: run \`npm run build:engine\` before packing`)
  process.exit(1)
}

const dist = join(root, 'dist')
rmSync(dist, { recursive: true, force: true })
for (const folder of FOLDERS) {
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() || LEFT_OUT.test(path)) continue
    const target = join(dist, path.slice(root.length))
    if (path.endsWith('.ts')) {
      write(target.replace(/\.ts$/, '.js'), withJsImports(stripTypeScriptTypes(readFileSync(path, 'utf8'))))
    } else if (COPIED.test(path)) {
      mkdirSync(dirname(target), { recursive: true })
      copyFileSync(path, target)
    }
  }
}
copyFileSync(join(root, ADDON), join(dist, ADDON))

/** './a.ts' → './a.js' wherever such a literal stands: imports and URLs of child processes alike. */
function withJsImports(code) {
  return code.replace(/(['"])(\.{1,2}\/[^'"\n]*)\.ts\1/g, '$1$2.js$1')
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
