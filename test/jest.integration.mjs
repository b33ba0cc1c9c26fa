// `npm run test:integration`: against real servers, which test/kit installs and starts. One file after the other: they are heavy.
import base from '../jest.config.mjs'

export default {
  ...base,
  rootDir: '..',
  testMatch: ['<rootDir>/test/integration/**/*.test.ts'],
  maxWorkers: 1,
  testTimeout: 600_000,
}
