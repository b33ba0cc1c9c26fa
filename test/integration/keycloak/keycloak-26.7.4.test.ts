import { describeRealServer } from './real-server.ts'

describeRealServer('26.7.4')
