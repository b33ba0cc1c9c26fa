/** Tells a person by a topic of SNS, with the same document that the alarm command gets. */
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns'
import type { Log } from '../../log.ts'
import { awsClientOptions } from '../aws-client-options.ts'
import type { AwsPlace } from '../aws-client-options.ts'
import { awsFailure } from '../aws-failure.ts'

export interface AlarmTopicOptions extends Omit<AwsPlace, 'region'> {
  /** Of the topic; its region is where it is asked. */
  readonly arn: string
  readonly log: Log
}

/** An alarm is told once and seldom: there is no retry around this driver. */
const TRIES_MAX = 5
/** SNS's bound on the subject of a mail: ASCII, one line. */
const SUBJECT_CHARACTERS_MAX = 100

export class AlarmTopic {
  readonly #client: SNSClient
  readonly #arn: string
  readonly #log: Log

  constructor({ arn, log, ...place }: AlarmTopicOptions) {
    const region = arn.split(':')[3] ?? ''
    this.#client = new SNSClient({ ...awsClientOptions({ ...place, region }), maxAttempts: TRIES_MAX })
    this.#arn = arn
    this.#log = log
  }

  /** Never throws: a failing alarm is logged (code and status only), since the run it tells of must not fail with it. */
  async publish(subject: string, document: object): Promise<void> {
    try {
      await this.#client.send(
        new PublishCommand({
          TopicArn: this.#arn,
          Subject: subject.replace(/[^ -~]/g, '').slice(0, SUBJECT_CHARACTERS_MAX),
          Message: JSON.stringify(document),
        }),
      )
    } catch (error) {
      const { name, status, kind } = awsFailure(error)
      this.#log.write('error', 'alarm-topic-failed', { reason: name, kind, status })
    }
  }

  close(): void {
    this.#client.destroy()
  }
}
