# SPDX-License-Identifier: MIT
# Install the examples next to the documents, in the same directories as here, so that links work.
nobase_dist_doc_DATA += \
	%D%/README.md \
	%D%/anycast/announce \
	%D%/anycast/bird.conf \
	%D%/container/README.md \
	%D%/haproxy/README.md \
	%D%/haproxy/haproxy.cfg \
	%D%/haproxy/sixteen.conf \
	%D%/ipvs/keepalived.conf \
	%D%/kubernetes/README.md \
	%D%/kubernetes/sixteend.yaml \
	%D%/log/README.md \
	%D%/log/lnav.json \
	%D%/log/syslog-ng.conf \
	%D%/monitoring/README.md \
	%D%/monitoring/icinga2.conf \
	%D%/monitoring/nagios.cfg \
	%D%/prometheus/README.md \
	%D%/prometheus/dashboard.json \
	%D%/prometheus/sixteen.rules.test.yml \
	%D%/prometheus/sixteen.rules.yml \
	%D%/prometheus/textfile.conf \
	%D%/systemd/README.md \
	%D%/systemd/no-network.conf
