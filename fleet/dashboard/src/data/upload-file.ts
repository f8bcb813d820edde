import { api, createApiClient, type FetchLike, StarlingError, type Upload } from '@starling/shared';

/**
 * Uploads a file from disk without reading it into memory, and tells how far it is.
 * @param onProgress share of the file that is sent, 0 to 1
 * @throws StarlingError with what the fleet says about the file, or `unreachable`
 */
export function uploadFile(file: File, kind: 'model' | 'file', onProgress: (share: number) => void): Promise<Upload> {
  const client = createApiClient({ baseUrl: '', fetch: sendingFile(file, onProgress) });
  // The client puts the headers; the body that is sent is the file itself.
  return client.call(api.upload, { query: { kind }, raw: new Uint8Array() });
}

/** `fetch` tells nothing about what it has sent; this older request does. */
function sendingFile(file: File, onProgress: (share: number) => void): FetchLike {
  return (url, { method, headers }) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open(method, url);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.addEventListener('progress', ({ loaded }) => onProgress(file.size === 0 ? 1 : loaded / file.size));
      request.addEventListener('load', () => {
        const { status, responseText } = request;
        resolve({ status, ok: status >= 200 && status < 300, json: async () => JSON.parse(responseText) as unknown });
      });
      request.addEventListener('error', () => reject(new StarlingError('unreachable', 'the connection broke off', { retryable: true })));
      request.send(file);
    });
}
