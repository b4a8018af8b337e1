// Calling out: the API server asks a webhook (admission, conversion) over HTTPS. This is the contract; client/callout.ts is the road there.
//
// A service is resolved through the cluster's own Services and EndpointSlices to a ready pod, which is dialled directly: the server needs no
// service proxy of its own. TLS names and verifies `name.namespace.svc`.

/** As clientConfig of webhook configurations and CRDs has it: either `url` or `service`. */
export interface CalloutTarget {
  url?: string;
  service?: {
    namespace: string;
    name: string;
    /** Default 443. */
    port?: number;
    /** Default `/`. */
    path?: string;
  };
  /** PEM certificates in base64, as on the wire. Absent or empty: the system's roots. */
  caBundle?: string;
}

export interface CalloutOptions {
  /** Of the whole call. The webhook is told of it in the URL (`timeout=10s`), as upstream does. */
  timeoutMs: number;
  signal?: AbortSignal;
}

/** The call came to no answer that can be used: the text is upstream's (client-go's, with Go's words for what failed below), for callers to put theirs around. */
export class CalloutError extends Error {
  override readonly name = 'CalloutError';
  /** `target`: it names nothing that could be called. `status`: it answered with a code of 400 or more. `body`: the answer is no JSON. */
  readonly failure: 'target' | 'transport' | 'timeout' | 'status' | 'body';
  /** HTTP code, for `status`. */
  readonly code: number | undefined;

  constructor(failure: CalloutError['failure'], message: string, { code, cause }: { code?: number; cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.failure = failure;
    this.code = code;
  }
}

export interface Callout {
  /** Posts JSON and gives the parsed JSON of a 2xx answer. Rejects with a CalloutError (or the signal's reason). */
  post(target: CalloutTarget, body: unknown, options: CalloutOptions): Promise<unknown>;
}
