import { createAgent } from '../index.ts';

const app = document.querySelector('#app');
const show = (text: string): void => {
  if (app !== null) app.textContent = text;
};
const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? undefined;
history.replaceState(null, '', location.pathname);
createAgent({ fleet: location.origin, ...(token === undefined ? {} : { token }) }, (agent) => {
  agent.on('status', (status) => show(JSON.stringify(status, null, 1)));
  agent.on('log', ({ line }) => console.log(line));
  Object.assign(globalThis, { agent });
}).catch((error: unknown) => show(String(error)));
