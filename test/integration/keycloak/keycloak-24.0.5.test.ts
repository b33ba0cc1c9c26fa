import { describeRealServer } from './real-server.ts'

describeRealServer('24.0.5')
