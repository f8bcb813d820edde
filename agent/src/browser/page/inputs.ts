const names = { videoinput: 'Camera', audioinput: 'Microphone' } as const;
/** Stand for others of the list, which they would show twice. */
const ALIASES = ['default', 'communications'];

/**
 * Shows the cameras or microphones to choose from, where there are several. Browsers name them only after one was allowed.
 * @param list stands, with its label, in an element that is hidden where there is nothing to choose
 * @param track the one that runs
 */
export async function listInputs(list: HTMLSelectElement, kind: keyof typeof names, track: MediaStreamTrack | undefined): Promise<void> {
  const devices = (await navigator.mediaDevices.enumerateDevices()).filter((each) => each.kind === kind && each.deviceId !== '');
  const real = devices.filter(({ deviceId }) => !ALIASES.includes(deviceId));
  list.replaceChildren(...real.map(({ deviceId, label }, index) => new Option(label || `${names[kind]} ${index + 1}`, deviceId)));
  const { deviceId, groupId } = track?.getSettings() ?? {};
  const current = ALIASES.includes(deviceId ?? '') ? real.find((each) => each.groupId === groupId)?.deviceId : deviceId;
  list.value = current ?? '';
  if (list.parentElement !== null) list.parentElement.hidden = real.length < 2;
}
