import { describeRestoredShared } from './restore-shared.ts'

describeRestoredShared('26.7.4')
