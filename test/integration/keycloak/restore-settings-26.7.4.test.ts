import { describeRestoredSettings } from './restore-settings.ts'

describeRestoredSettings('26.7.4')
