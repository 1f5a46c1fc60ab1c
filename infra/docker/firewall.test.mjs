import assert from 'node:assert/strict'
import test from 'node:test'
import { readFirewall, whatToUndo } from './firewall.mjs'

const before = `# Generated
*filter
:INPUT ACCEPT [10:100]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:OURS - [0:0]
-A INPUT -p tcp -m comment --comment "a rule with blanks" -j OURS
COMMIT
`
const after = `*filter
:INPUT ACCEPT [11:120]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:OURS - [0:0]
-A INPUT -p tcp -m comment --comment "a rule with blanks" -j OURS
-A FORWARD -o docker0 -j DOCKER
-A DOCKER -j RETURN
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
COMMIT
`

test('what was added is taken away again, rules before the chains they name; what was there stays', () => {
  const { restoreInput, policies } = whatToUndo(readFirewall(before), readFirewall(after))
  assert.equal(
    restoreInput,
    `*filter
-D FORWARD -o docker0 -j DOCKER
-D DOCKER -j RETURN
-X DOCKER
COMMIT
*nat
-D PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-X DOCKER
COMMIT
`,
  )
  assert.deepEqual(policies, [{ table: 'filter', chain: 'FORWARD', policy: 'ACCEPT' }])
})

test('nothing changed is nothing to undo; of two equal rules only the added one goes', () => {
  assert.deepEqual(whatToUndo(readFirewall(after), readFirewall(after)), { restoreInput: '', policies: [] })
  const twice = after.replace('-A DOCKER -j RETURN\n', '-A DOCKER -j RETURN\n-A DOCKER -j RETURN\n')
  assert.equal(
    whatToUndo(readFirewall(after), readFirewall(twice)).restoreInput,
    '*filter\n-D DOCKER -j RETURN\nCOMMIT\n',
  )
})
