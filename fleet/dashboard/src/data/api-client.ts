import { type ApiClient, createApiClient, type FetchLike } from '@starling/shared';

const browserFetch: FetchLike = (url, { body, ...init }) =>
  fetch(url, { ...init, credentials: 'same-origin', ...(body === undefined ? {} : { body: body as BodyInit }) });

/** The page's own fleet; the session cookie says who asks. */
export const apiClient: ApiClient = createApiClient({ baseUrl: '', fetch: browserFetch });
