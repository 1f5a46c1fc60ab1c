/** `npm run soak:memory [-- --pool-mib N] [-- --fills N]`: the memory of a real consumer with the pool of the product. */
import { parseArgs } from 'node:util'
import { soakConsumer } from './consumerMemory.ts'

const { values } = parseArgs({
  options: { 'pool-mib': { type: 'string', default: '2048' }, fills: { type: 'string', default: '5' } },
})

await soakConsumer({
  poolMib: Number(values['pool-mib']),
  fills: Number(values.fills),
  say: (line) => {
    console.log(line)
  },
})
