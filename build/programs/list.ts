// What is built in: programs that a bare host may lack, from Debian's packages. Their libraries follow from what they need, except the C library, which
// is the host's.
export const SUITE = 'bookworm';
export const CACHE = 'node_modules/.cache/skiff';
export const RECORD = 'build/programs/packages.json';

/** Those named in PROGRAMS, and all that have libraries for them. */
export const PACKAGES = [
  'runc', 'libseccomp2',
  'conmon', 'libglib2.0-0', 'libpcre2-8-0', 'libsystemd0', 'libcap2', 'libgcrypt20', 'libgpg-error0', 'liblzma5', 'libzstd1', 'liblz4-1',
  'iptables', 'libxtables12', 'libmnl0', 'libnftnl11', 'libip4tc2', 'libip6tc2',
  'conntrack', 'libnetfilter-conntrack3', 'libnfnetlink0',
  'iproute2', 'libbpf1', 'libelf1', 'libbsd0', 'libmd0', 'zlib1g',
] as const;

/** Where it is in its package → where it comes to lie. `*`: the architecture's name for libraries. */
export const PROGRAMS: readonly [from: string, to: string][] = [
  ['usr/sbin/runc', 'runc'],
  ['usr/bin/conmon', 'conmon'],
  ['bin/ip', 'ip'],
  ['sbin/bridge', 'bridge'],
  ['usr/sbin/conntrack', 'conntrack'],
  ['usr/sbin/xtables-nft-multi', 'iptables-nft/xtables-nft-multi'],
  ['usr/sbin/xtables-legacy-multi', 'iptables-legacy/xtables-legacy-multi'],
];

/** Names under which iptables is called; one program goes by all of them. */
export const IPTABLES_NAMES = ['iptables', 'iptables-save', 'iptables-restore', 'ip6tables', 'ip6tables-save', 'ip6tables-restore'] as const;

/** Extensions of iptables, in `usr/lib/<triplet>/xtables`: those that rules of Skiff use, and the most common of others, which iptables-save shows. */
export const IPTABLES_EXTENSIONS = [
  'libxt_addrtype', 'libxt_comment', 'libxt_connmark', 'libxt_conntrack', 'libxt_hashlimit', 'libxt_limit', 'libxt_mac', 'libxt_mark', 'libxt_multiport',
  'libxt_owner', 'libxt_physdev', 'libxt_recent', 'libxt_set', 'libxt_SET', 'libxt_standard', 'libxt_state', 'libxt_statistic', 'libxt_tcp', 'libxt_udp',
  'libxt_CT', 'libxt_LOG', 'libxt_MARK', 'libxt_CONNMARK', 'libxt_NAT', 'libxt_DNAT', 'libxt_MASQUERADE', 'libxt_REDIRECT', 'libxt_SNAT', 'libxt_TCPMSS', 'libxt_TPROXY', 'libxt_NOTRACK',
  'libipt_icmp', 'libipt_REJECT', 'libipt_DNAT', 'libipt_SNAT', 'libipt_MASQUERADE', 'libip6t_icmp6', 'libip6t_REJECT', 'libip6t_DNAT', 'libip6t_SNAT', 'libip6t_MASQUERADE',
] as const;

/** Of the C library: the host has it in any case, as the executable itself needs it. */
export const HOST_LIBRARIES = /^(ld-linux|libc\.so|libm\.so|libdl\.so|libpthread\.so|librt\.so|libresolv\.so|libutil\.so|linux-vdso)/;
