package dev.halftone.spark;

import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where Spark runs, as {@code --master} says it. */
sealed interface SparkMaster {
    /** For messages. */
    String FORM = "local[N], spark://HOST:PORT";

    /** As Spark wants it. */
    String url();

    /** In this process. */
    record Local(int cores) implements SparkMaster {
        @Override
        public String url() {
            return "local[" + cores + "]";
        }
    }

    /** A standalone cluster. Several addresses are masters that stand by for one another. */
    record Standalone(List<Address> addresses) implements SparkMaster {
        private static final int PATIENCE_MILLISECONDS = 3000;

        public Standalone {
            addresses = List.copyOf(addresses);
        }

        @Override
        public String url() {
            return "spark://"
                    + String.join(",", addresses.stream().map(Address::toString).toList());
        }

        /**
         * Spark itself would try for a minute.
         *
         * @throws ResourceException HT-672 if nobody listens at any address
         */
        void reach() {
            List<String> reasons = new ArrayList<>();
            for (Address address : addresses) {
                try (Socket socket = new Socket()) {
                    socket.connect(new InetSocketAddress(address.host(), address.port()), PATIENCE_MILLISECONDS);
                    return;
                } catch (IOException e) {
                    reasons.add(address + ": " + e.getMessage());
                }
            }
            throw new ResourceException(
                    "HT-672",
                    url(),
                    "no Spark master answers (" + String.join("; ", reasons) + ")",
                    "start one, or check host and port: its log and its web page name them");
        }
    }

    /** A host and its port. */
    record Address(String host, int port) {
        @Override
        public String toString() {
            return host + ":" + port;
        }
    }

    /** True for what looks like one; {@link #parse} may still find fault. */
    static boolean looksLikeOne(String text) {
        return text.startsWith("local[") || text.startsWith("spark://");
    }

    /**
     * Reads one.
     *
     * @throws InputException HT-671 if it has another form
     */
    static SparkMaster parse(String text) {
        Matcher local = Pattern.compile("local\\[(\\d{1,4}|\\*)]").matcher(text);
        if (local.matches()) {
            String cores = String.valueOf(local.group(1));
            int count = cores.equals("*") ? Runtime.getRuntime().availableProcessors() : Integer.parseInt(cores);
            if (count > 0) {
                return new Local(count);
            }
        }
        if (text.startsWith("spark://")) {
            List<Address> addresses = new ArrayList<>();
            for (String part : text.substring("spark://".length()).split(",", -1)) {
                Matcher address =
                        Pattern.compile("([^:/,\\s]+|\\[[^]]+]):(\\d{1,5})").matcher(part);
                if (!address.matches()) {
                    throw malformed(text);
                }
                int port = Integer.parseInt(String.valueOf(address.group(2)));
                if (port < 1 || port > 65535) {
                    throw malformed(text);
                }
                addresses.add(new Address(String.valueOf(address.group(1)), port));
            }
            return new Standalone(addresses);
        }
        throw malformed(text);
    }

    private static InputException malformed(String text) {
        return new InputException(
                "HT-671", "--master", "\"" + text + "\"; expected " + FORM + ", N at least 1", "such as local[2]");
    }
}
