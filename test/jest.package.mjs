// `npm run test:package`: the bundles of the functions, each started alone in a fresh Node, and the lock file.
import base from '../jest.config.mjs'

export default {
  ...base,
  rootDir: '..',
  testMatch: ['<rootDir>/test/package/**/*.test.ts'],
  testTimeout: 120_000,
}
