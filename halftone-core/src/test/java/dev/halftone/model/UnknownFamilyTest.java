package dev.halftone.model;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.TinyModel;
import dev.halftone.error.InputException;
import java.util.LinkedHashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

class UnknownFamilyTest {
    @Test
    void theNearestFamilyIsNamedWithWhatIsMissingAndWhatWouldBeLeftUnread() {
        ObjectNode config = TinyModel.config();
        Set<String> tensors = new LinkedHashSet<>();
        Decoder.tensors(Families.read(config, Set.of(), "tiny")).forEach(tensor -> tensors.add(tensor.name()));
        tensors.remove("model.norm.weight");
        tensors.add("model.layers.0.self_attn.sinks");
        tensors.add("model.layers.1.self_attn.sinks");
        assertThatThrownBy(() -> Families.read(config.put("model_type", "mystery"), tensors, "tiny"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-301")
                .hasMessageContaining("model_type is \"mystery\"; known are bert, bloom, chatglm")
                .hasMessageContaining("most like those of llama, but it lacks model.norm.weight")
                .hasMessageContaining("and has model.layers.N.self_attn.sinks");
    }

    @Test
    void aModelThatIsLikeNoneGetsTheKnownOnesAlone() {
        ObjectNode config = TinyModel.config();
        assertThatThrownBy(() -> Families.read(config.put("model_type", "mystery"), Set.of("backbone.a"), "tiny"))
                .hasMessageContaining("known are")
                .hasMessageNotContaining("most like");
    }
}
