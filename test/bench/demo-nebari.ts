/** The demo Nebari as a process: prints where it is as one JSON line, runs until its standard input closes. Arguments: folder, people. */
import { once } from 'node:events'
import { join } from 'node:path'
import { makeDemoHomes } from '../../lib/embedded/demo/homes.ts'
import { startDemoKeycloak } from '../../lib/embedded/demo/keycloak/server.ts'

const [folder = '', users = '0'] = process.argv.slice(2)
await makeDemoHomes({ root: join(folder, 'nebari'), users: Number(users), seed: 'bench' })
const keycloak = await startDemoKeycloak({ users: Number(users), seed: 'bench' })
await keycloak.writeExport(join(folder, 'export'))
const { url, realm, client, secret } = keycloak
process.stdout.write(`${JSON.stringify({ url, realm, client, secret })}\n`)
process.stdin.resume()
await once(process.stdin, 'end')
await keycloak.stop()
