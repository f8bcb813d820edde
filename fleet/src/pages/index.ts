/** Folders that Vite built -> pages with their headers: the dashboard for people, and the agent that runs in a browser. */
export { pageHeaders } from './page-headers.ts';
export { serveDashboard } from './serve-dashboard.ts';
export { serveRunPage } from './serve-run-page.ts';
