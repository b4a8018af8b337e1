// Loops that need a node's own hands or eyes ask its kubelet, as the API server does for logs. This is the contract; http/kubelet-calls.ts is the
// road there: the tunnel of the node, or a call to its address.

export interface KubeletCall {
  method: 'GET' | 'PUT' | 'DELETE';
  /** With its query. */
  path: string;
  /** Of the whole call. */
  timeoutMs: number;
}

export interface KubeletCalls {
  /** Rejects when the node cannot be reached, or answers with a code of 400 or more: the message is what the kubelet said. */
  call(node: string, call: KubeletCall): Promise<string>;
}
