const words: Readonly<Record<string, string>> = {
  'api-token.create': 'made the API token',
  'api-token.revoke': 'revoked the API token',
  'claim-token.create': 'made the claim token',
  'claim-token.revoke': 'revoked the claim token',
  'device.approve': 'let in the device',
  'device.assign': 'assigned a release to',
  'device.change': 'changed the device',
  'device.enrol': 'enrolled the device',
  'device.revoke': 'revoked the device',
  'model.push': 'pushed the model',
  'pipeline.push': 'pushed the pipeline',
  'release.create': 'made the release',
  'root.publish': 'published the root document',
  'user.change': 'changed the user',
  'user.create': 'made the user',
};

/** An audited action as a phrase between who did it and what it was done to. */
export function actionWords(action: string): string {
  return words[action] ?? action;
}

/** Long ids are named by their head. */
export function subjectWords(subject: string): string {
  return /^([a-z2-7]{26}|[0-9a-f]{64})$/.test(subject) ? `${subject.slice(0, 10)}…` : subject;
}
