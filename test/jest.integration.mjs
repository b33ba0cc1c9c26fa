// `npm run test:integration`: against real servers, which test/kit installs and starts. One file after the other: they are heavy. The drivers for AWS have a
// run of their own, `npm run test:integration:aws`: their servers take long to build.
import base from '../jest.config.mjs'

const folder = process.env.TORIKI_INTEGRATION === 'aws' ? 'aws/**/' : '!(aws)/**/'

export default {
  ...base,
  rootDir: '..',
  testMatch: [
    `<rootDir>/test/integration/${folder}*.test.ts`,
    ...(folder.startsWith('!') ? ['<rootDir>/test/integration/*.test.ts'] : []),
  ],
  maxWorkers: 1,
  testTimeout: 600_000,
}
