import { describeRealServer } from './real-server.ts'

describeRealServer('26.3.4')
