const words: Readonly<Record<string, string>> = {
  'api-token.create': 'made the API token',
  'api-token.revoke': 'revoked the API token',
  'build.add': 'asked for a build of',
  'build.cancel': 'cancelled the build of',
  'build.retry': 'started again the build of',
  'claim-token.create': 'made the claim token',
  'claim-token.revoke': 'revoked the claim token',
  'device.approve': 'let in the device',
  'device.assign': 'assigned a release to',
  'device.change': 'changed the device',
  'device.clone': 'saw two devices at once as',
  'device.enrol': 'enrolled',
  'device.import': 'changed devices by the file',
  'device.label': 'changed labels of the devices',
  'device.remove-simulated': 'deleted the',
  'device.revoke': 'revoked the device',
  'experiment.create': 'made the experiment',
  'experiment.pause': 'paused the experiment',
  'experiment.promote': 'promoted a release of the experiment',
  'experiment.resume': 'resumed the experiment',
  'experiment.start': 'started the experiment',
  'experiment.stop': 'stopped the experiment',
  'feedback.add': 'told how results turned out:',
  'group.change': 'changed the group',
  'group.create': 'made the group',
  'group.delete': 'deleted the group',
  'file.upload': 'uploaded the file',
  'model.push': 'pushed the model',
  'pipeline.push': 'pushed the pipeline',
  'release.create': 'made the release',
  'release.objective': 'set the objective of',
  'root.publish': 'published the root document',
  'user.change': 'changed the user',
  'user.change-password': 'set a new password for',
  'user.create': 'made the user',
};

/** Actions on many devices: their subject says which, and is no id. */
const aboutMany: ReadonlySet<string> = new Set(['device.import', 'device.label', 'device.remove-simulated']);

/** An audited action as a phrase between who did it and what it was done to. */
export function actionWords(action: string): string {
  const [noun, verb] = action.split('.');
  if (noun === 'command' && verb !== undefined) return `sent the command ${verb} to`;
  return words[action] ?? action;
}

/** Whether the subject of an action is a device. */
export function isAboutDevice(action: string): boolean {
  return (action.startsWith('device.') && !aboutMany.has(action)) || action.startsWith('command.');
}

/** Digests are named by their head. */
export function shortenDigests(text: string): string {
  return text.replace(/\b[0-9a-f]{64}\b/g, (digest) => `${digest.slice(0, 12)}…`);
}
