// What a joining node and a server say to each other, over the API server's own port:
//
//   GET  /v1-skiff/cacerts   the server CA (PEM), to anyone: the token's hash tells whether it is the right one
//   POST /v1-skiff/join      JoinRequest → JoinAnswer. `Authorization: Basic node:<token's password>` the first time, or a bootstrap token
//                            in the password's place; later the node's own password is enough, so that it needs no token to renew its certificates
//
// The node's key never leaves it: it sends the public half, and gets certificates for it.

export const CA_PATH = '/v1-skiff/cacerts';
export const JOIN_PATH = '/v1-skiff/join';

export interface JoinRequest {
  nodeName: string;
  /** Addresses of the node, internal and external: what its kubelet's certificate names. */
  nodeIps: string[];
  /** Made by the node at its first start. Whoever has it is that node. */
  nodePassword: string;
  /** PEM (SPKI), P-256. */
  publicKey: string;
}

/** What a node must know of the cluster. */
export interface ClusterSettings {
  clusterCidr: string;
  clusterDns: string[];
  clusterDomain: string;
  networkBackend: string;
  /** Where nodes keep local volumes; absent: below the data folder of each. */
  localStoragePath?: string;
  /** Parts that are not run. */
  disable: string[];
}

export interface JoinAnswer {
  /** PEM. `node`: client system:node:<name>; `proxy`: client system:kube-proxy; `kubelet`: serving. */
  certificates: { node: string; proxy: string; kubelet: string };
  /** How long they last from when they were made: they are to be renewed when a quarter of it is left. */
  lifetimeMs: number;
  serverCa: string;
  clientCa: string;
  cluster: ClusterSettings;
}
