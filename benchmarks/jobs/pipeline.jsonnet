local job(number) = {
  ['image-%04d' % number]: {
    image: { name: 'ghcr.io/osscontainertools/kaniko:v1.28.3-debug', entrypoint: [''] },
    script: ['/kaniko/executor --destination=ghcr.io/acme/image-%04d:1.0' % number],
  },
};

std.foldl(function(all, number) all + job(number), std.range(0, std.parseInt(std.extVar('count')) - 1), {})
